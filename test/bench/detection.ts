import { parseArgs } from 'node:util';
import { FAMILIES } from '../scenarios/episodes.ts';
import { evaluate, type Outcome } from '../scenarios/evaluate.ts';
import { createRandom } from '../scenarios/random.ts';
import { poissonInterval, type Score, scoreOf } from '../scenarios/score.ts';
import { createWorld } from '../scenarios/world.ts';

const EPISODES_PER_WORLD = 3;
const QUIET_DAYS = 14;

/**
 * Labelled episodes and quiet weeks of simulated services: is every episode found, called what it is, and is the rest
 * left alone? `--seeds tuned` are those that thresholds were chosen on, `held-out` ones nobody looked at.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: 'held-out' },
      rounds: { type: 'string', default: '6' },
      'quiet-days': { type: 'string', default: '2000' },
      from: { type: 'string', default: '0' },
    },
  });
  const outcomes: Outcome[] = [];
  const add = (outcome: Outcome): void => {
    outcomes.push(outcome);
    tell(outcome);
  };
  const from = Number(values.from);
  for (let round = from; round < from + Number(values.rounds); round++) {
    const random = createRandom(`${values.seeds}/${round}`);
    const families = shuffled(Object.keys(FAMILIES), random.next);
    for (let at = 0; at < families.length; at += EPISODES_PER_WORLD) {
      add(
        evaluate(
          createWorld({
            seed: `${values.seeds}-${round}-${at}`,
            families: families.slice(at, at + EPISODES_PER_WORLD),
          }),
        ),
      );
    }
  }
  const worlds = Math.ceil(Number(values['quiet-days']) / QUIET_DAYS);
  for (let world = 0; world < worlds; world++) {
    add(
      evaluate(
        createWorld({ seed: `${values.seeds}-quiet-${from}-${world}`, families: [], quietDays: QUIET_DAYS }),
      ),
    );
  }
  print(scoreOf(outcomes));
}

/** What was not right, as it happens. */
function tell({ world, episodes, stray }: Outcome): void {
  for (const { episode, incidents } of episodes) {
    const [first] = incidents;
    const said = first?.class ?? 'noise';
    const isNamed =
      episode.subjects.length === 0 ||
      episode.subjects.some(
        ({ kind, value }) => first?.subject.kind === kind && first.subject.value === value,
      );
    if (said === episode.class && isNamed && incidents.length <= 1) continue;
    const detectors = incidents.map(
      (incident) =>
        `${incident.class} ${incident.subject.kind} ${incident.subject.value} (${incident.signals.map(({ detector }) => detector).join(', ')})`,
    );
    console.log(
      `  ${world.seed}: ${episode.family} at ${world.model.volume.toFixed(2)}/min: ${detectors.join('; ') || 'nothing'}`,
    );
  }
  for (const incident of stray) {
    console.log(
      `  ${world.seed}: in quiet: ${incident.class}${incident.page ? ', page' : ''}, ${incident.subject.kind} ${incident.subject.value}: ${incident.signals[0]?.sentence ?? ''}`,
    );
  }
}

function print(score: Score): void {
  const { quiet, flipSeconds, flipSecondsSinceBlocked, statisticalSeconds } = score;
  const perDay = (count: number): string => {
    const [least, most] = poissonInterval(count);
    return `${(count / quiet.days).toFixed(4)} (${(least / quiet.days).toFixed(4)}–${(most / quiet.days).toFixed(4)})`;
  };
  const line = (name: string, value: string, gate: string, isMet: boolean): void =>
    console.log(`  ${name.padEnd(44)} ${value.padEnd(28)} ${gate.padEnd(10)} ${isMet ? 'met' : 'MISSED'}`);
  console.log(`\n${score.episodes} episodes, ${quiet.days.toFixed(0)} quiet service-days`);
  line('episodes found', score.recall.toFixed(3), '≥ .97', score.recall >= 0.97);
  line('precision', score.precision.toFixed(3), '≥ .9', score.precision >= 0.9);
  line('macro-F1 of the class', score.macroF1.toFixed(3), '≥ .95', score.macroF1 >= 0.95);
  line(
    'breakage called legitimate',
    String(score.breakageCalledLegitimate),
    '0',
    score.breakageCalledLegitimate === 0,
  );
  line('header, route, version … named first', score.named.toFixed(3), '≥ .9', score.named >= 0.9);
  line(
    'breakage by proof: delay p50 / p90',
    `${flipSeconds.p50.toFixed(0)} / ${flipSeconds.p90.toFixed(0)} s`,
    '≤ 90 s',
    flipSeconds.p50 <= 90,
  );
  line(
    '— from the first blocked call',
    `${flipSecondsSinceBlocked.p50.toFixed(0)} / ${flipSecondsSinceBlocked.p90.toFixed(0)} s`,
    '≤ 90 s',
    flipSecondsSinceBlocked.p50 <= 90,
  );
  line(
    'by statistics: delay p50 / p90',
    `${statisticalSeconds.p50.toFixed(0)} / ${statisticalSeconds.p90.toFixed(0)} s`,
    '≤ 240 s',
    statisticalSeconds.p50 <= 240,
  );
  line(
    'incidents an episode: mean / most',
    `${score.incidentsPerEpisode.mean.toFixed(2)} / ${score.incidentsPerEpisode.most}`,
    '≤ 2',
    score.incidentsPerEpisode.most <= 2,
  );
  line('pages a quiet service-day', perDay(quiet.pages), '≤ .002', quiet.pages / quiet.days <= 0.002);
  line('tickets a quiet service-day', perDay(quiet.tickets), '≤ .03', quiet.tickets / quiet.days <= 0.03);
  console.log('\n  breakage found by what people set up otherwise; false alarms a quiet service-day');
  for (const { name, recall, falseAlarmsPerDay } of score.baselines) {
    console.log(`  ${name.padEnd(58)} ${recall.toFixed(2)}   ${falseAlarmsPerDay.toFixed(2)}`);
  }
  console.log('\n  right, by family; delay from the start, p50 / p90');
  for (const [family, { episodes, right, seconds }] of score.families) {
    const delay = seconds.p50 === Number.POSITIVE_INFINITY ? '' : `${seconds.p50} / ${seconds.p90} s`;
    console.log(`  ${family.padEnd(30)} ${`${right} of ${episodes}`.padEnd(12)} ${delay}`);
  }
}

function shuffled<Item>(items: Item[], next: () => number): Item[] {
  return items
    .map((item) => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
