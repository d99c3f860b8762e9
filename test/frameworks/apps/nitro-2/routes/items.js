import { eventHandler, handleCors } from 'h3';

export default eventHandler((event) => {
  const cors = { origin: ['https://shop.example'], credentials: true, allowHeaders: ['content-type'] };
  return handleCors(event, cors) ? undefined : [];
});
