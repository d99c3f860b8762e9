// A public search API, with Hono's cors and a few headers by hand.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { cors } from 'hono/cors';

const app = new Hono();

// Open to everyone, as intended.
app.use('/search/*', cors({ origin: '*', allowMethods: ['GET', 'POST'], maxAge: 3600 }));
app.get('/search/products', (c) => c.json({ hits: [] }));
app.get('/search/latest', (c) => c.redirect('/search/products'));
app.post('/search/query', (c) => c.json({ hits: [] }));

// A listed partner page; cookies are not needed.
app.use('/reviews/*', cors({ origin: ['https://shop.example', 'https://widgets.example'] }));
app.get('/reviews/:product', (c) => c.json([]));
app.patch('/reviews/:product', (c) => c.json({}));

// The CDN in front adds the header as well: two of them are sent.
app.use('/images/*', cors({ origin: 'https://shop.example' }), async (c, next) => {
  await next();
  c.header('access-control-allow-origin', 'https://shop.example', { append: true });
});
app.get('/images/:name', (c) => c.body('GIF89a'));

// An origin without its scheme.
app.get('/export', (c) => {
  c.header('access-control-allow-origin', 'docs.example');
  return c.text('id,name\n');
});

// Headers on every response, but nothing handles OPTIONS: 404.
app.use('/events/*', async (c, next) => {
  c.header('access-control-allow-origin', '*');
  c.header('access-control-allow-headers', 'content-type');
  await next();
});
app.post('/events/click', (c) => c.body(null, 202));

// Lists with semicolons.
app.use('/admin/*', async (c, next) => {
  c.header('access-control-allow-origin', c.req.header('origin') ?? '*');
  c.header('vary', 'Origin');
  if (c.req.path === '/admin/index') c.header('access-control-allow-methods', 'GET; PUT');
  else c.header('access-control-allow-headers', 'Content-Type; X-Api-Key');
  if (c.req.method === 'OPTIONS') return c.body(null, 204);
  await next();
});
app.put('/admin/index', (c) => c.body(null, 204));
app.get('/admin/keys', (c) => c.json([]));

// The file store requires a password, which ended up in the link.
app.get('/downloads/:file', (c) => {
  c.header('access-control-allow-origin', '*');
  return c.redirect(`http://build:secret@files.example/${c.req.param('file')}`);
});

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 0), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`listening on port ${port}`);
});
