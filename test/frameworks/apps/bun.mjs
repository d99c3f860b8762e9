import { CorsInstrumentation, flush, observe } from '@originscope/instrumentation-cors';

new CorsInstrumentation();
const headers = { origin: 'https://shop.example', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' };
observe(new Request('http://api.example/items', { headers }), new Response());
await flush(5_000);
process.exit(0);
