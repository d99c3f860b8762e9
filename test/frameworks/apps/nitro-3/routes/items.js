import { defineHandler, handleCors } from 'nitro/h3';

export default defineHandler((event) => {
  const cors = { origin: ['https://shop.example'], credentials: true, allowHeaders: ['content-type'] };
  return handleCors(event, cors) || [];
});
