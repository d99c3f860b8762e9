/**
 * Words that developers use in paths: the segments that are kept when no route is known (see mask-path.ts).
 * In the singular where there is one. Do not add given names (grace, mark, will) or words of a single
 * application.
 */
export const PATH_WORDS: ReadonlySet<string> = new Set(
  `
  about absence accept access account accounting achievement action activate activation active activity ad add
  addon address admin administration advert agent aggregate agreement alert alias all allocation analysis
  analytics and announcement annotation answer api app application appointment approval approve archive area
  article assess assessment asset assign assignment async atom attachment attempt attendance attribute auction
  audience audio audit auth authenticate authentication authorization authorize author auto autocomplete
  availability available avatar award
  back backend backup badge balance bank banner base basket batch before benefit beta bid bidding billing
  bind binding blob block blog board bonus book booking bookmark boot bot branch brand breadcrumb broadcast
  browse browser bucket budget bug build builder building bulk bundle business by
  cache calculate calculator calendar call callback campaign cancel candidate capability capture car card care
  career carrier cart case catalog catalogue category cdn cell center certificate challenge change changelog
  channel chapter charge chart chat check checker checkin checklist checkout child choice chunk city claim class
  classification clean clear click client clone close cloud cluster code collaboration collaborator collect
  collection color column comment commerce commission commit common communication community company compare
  compliance component compose compute config configuration confirm confirmation connect connection connector
  consent console constant consumer contact container content contest context contract contributor control
  conversation conversion convert cookie copy core corporate cors count counter country coupon course cover
  coverage create creation credential credit criteria crm cron csp css csv currency current custom customer
  daily dashboard data database dataset date day deal debit debug decision default definition delete delivery
  demo department deploy deployment deposit design desktop destination detail detect dev developer device
  diagnostic dialog dictionary diff digest digital directory disable discount discover discovery discussion
  dispatch display dispute distribution doc docker document documentation domain donation done download draft
  driver dump duplicate dynamic
  echo edge edit editor education email embed emergency employee employer empty enable endpoint energy engine
  enroll enrollment enterprise entity entry environment error escalation estimate evaluate evaluation event
  example excel exchange execute execution exist expense experience experiment expire export extension external
  extra
  facet facility factor failure family faq favicon favorite favourite feature federation fee feed feedback fetch
  field file filter finance find finding fleet flight flow folder follow follower font food form format forum
  forward frame friend from frontend full function fund funnel
  gallery game gateway general generate generator geo geocode get gift github gitlab global goal good google
  graph graphql grid group groupby guest guide
  handle handler health healthcheck healthz heartbeat help hidden history hit holiday home hook host hotel hour
  hourly house hover html http https hub
  icon id identifier identity image import impression in inbox incident index indicator individual industry info
  information ingest init initialize inquiry insert insight inspection install installation instance institution
  instruction insurance integration interaction interest internal interview introspect inventory investment
  invitation invite invoice is issue issuer item
  job join journal journey js json jsonp jwks jwt
  keep key keyword kind kit knowledge known
  label language last latest launch layer layout lead leaderboard league learn learning lease leave ledger legacy
  legal lesson level library license licence like limit line link list listen listing live livez load loan
  local locale localization location lock log logging login logistic logo logout lookup loyalty
  mail mailbox main maintenance make manage management manager manifest manual manufacturer map marker market
  marketing marketplace master match material matrix maximum me measure measurement media medical medicine
  meeting member membership memory mention menu merchant merge message messaging messenger meta metadata method
  metric metrics microservice migrate migration milestone mini minimum minute mobile mock mode model moderation
  module monitor monitoring month monthly move movie multi music mutation my
  name native navigation near nearby nested network new news newsletter next node nomination notation note
  notice notification notify now null number
  oauth object observation offer office offline oidc on onboard onboarding online open opening openid operation
  operator opinion opportunity option or order organisation organization origin other otp out outbox outlet
  output overview owner
  package page pagination pair panel parameter parent park part participant partner party pass passport password
  past patch path patient pause pay payload payment payout payroll pdf peer penalty pending people performance
  period permission person persona personal phone photo picture pin ping pipeline place plan planner platform
  play player playlist plugin png point policy poll pool popular popup portal portfolio position post postal
  posting power preference preflight premium prepare prescription presence present preset press preview previous
  price pricing primary print priority privacy private probe problem procedure process processor procurement
  product production profile program programme progress project promo promotion prompt property proposal
  protected protocol provider provision proxy public publication publish publisher purchase purge push
  qr quality quantity query question queue quick quiz quota quote
  random range rank ranking rate rating raw react reaction read reader readiness ready readyz realm realtime
  receipt receive recent recipe recipient recommend recommendation record recording recover recovery recurring
  redeem redirect reference referral refresh refund region register registration registry reject relation
  relationship release remote remove render rent rental reorder repair repeat replay reply report repository
  request required reservation reserve reset resize resolution resolve resource response rest restaurant restore
  result resume retail retry return revenue reverse review revision revoke reward risk robots role rollback room
  root route routing row rpc rss rule run
  salary sale sales sample sandbox save scan scenario schedule scheduler schema school scim scope score screen
  script sdk search season seat secret section secure security segment select self sell seller send sensor sent
  sentiment sequence series server service session set setting settlement setup shape share shared sheet shift
  shipment shipping shop shopping short show sign signal signature signin signout signup similar simulate site
  sitemap size skill sku slot smart sms snapshot social socket software sort sound source space spec special
  specification sport sql sse staff stage standard start state statement static station statistic stat status
  step stock stop storage store storefront story stream streaming street student studio style subject submission
  submit subscribe subscriber subscription success suggest suggestion summary supplier supply support survey
  suspend svg swagger switch sync synchronize system
  tab table tag target task tax taxonomy team telemetry template tenant term terminal terms test testimonial
  text theme thread threshold thumbnail ticket tile time timeline timer timesheet timezone tip title to today
  toggle token tool top topic total tour tracer track tracking trade trading traffic train training transaction
  transcript transfer transform transit translate translation transport trash travel tree trend trending
  trigger trip trust try tutorial txt type
  unblock undo unit universal unread unregister unsubscribe unused up update upgrade upload upsert url usage use
  user username utility
  validate validation validator value variable variant vehicle vendor venue verification verify version video
  view viewer visit visitor visualization voice volume volunteer vote voucher
  wait waitlist wallet warehouse warning watch watchlist weather web webhook webinar webmanifest website
  websocket week weekly weight welcome well widget width wiki window wish wishlist with withdraw withdrawal word
  work worker workflow workspace world
  xls xlsx xml xrpc yaml year yearly yml zip zone
  ico jpeg jpg min mjs webp woff woff2 gif
  2fa http2 i18n k8s l10n mp3 mp4 oauth1 oauth2 s3 web3 sha256 md5 base64 x509
  `
    .trim()
    .split(/\s+/),
);
