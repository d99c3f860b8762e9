// A shop's catalogue, with the `cors` middleware and a list of origins. It has typical mistakes.
import cors from 'cors';
import express from 'express';

const app = express();

const shopPages = cors({
  origin: [
    'https://shop.example',
    'https://www.shop.example',
    'https://admin.shop.example',
    'https://outlet.shop.example',
    /^http:\/\/shop\.localhost:\d+$/,
  ],
  credentials: true,
  allowedHeaders: ['content-type', 'authorization'],
  maxAge: 600,
});

// Moved long ago. It is registered before cors, so preflights are redirected, too.
app.use('/v1', (request, response) => response.redirect(308, request.url));

// Authentication is registered before cors: a preflight never has the token.
app.use('/orders', (request, response, next) => {
  if (request.headers.authorization) next();
  else response.status(401).json({ error: 'token required' });
});

// One partner, with a trailing slash.
const partners = express.Router();
partners.get('/feed', (_request, response) => response.json({ products: [] }));
app.use('/partners', cors({ origin: 'https://partner.example/' }), partners);

app.use(shopPages);
app.use(express.json());

app.get('/products', (_request, response) => response.json([{ id: 17, name: 'Lamp' }]));
app.get('/products/:id', (request, response) => response.json({ id: request.params.id, name: 'Lamp' }));
app.get('/stock', (_request, response) => {
  response.type('text/event-stream').write('data: 3\n\n');
  setTimeout(() => response.end('data: 2\n\n'), 100);
});
app.post('/cart', (request, response) => response.status(201).json(request.body ?? {}));
app.put('/cart/:id', (_request, response) => response.status(204).end());
app.delete('/cart/:id', (_request, response) => response.status(204).end());
app.get('/orders', (_request, response) => response.json([]));
app.post('/newsletter', (_request, response) => response.redirect(303, '/thanks'));
app.get('/thanks', (_request, response) => response.send('<!doctype html><title>Thanks</title>'));
app.post('/clicks', (_request, response) => response.status(204).end());

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});
