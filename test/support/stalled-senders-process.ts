/** Stalls the receiver whose URL and how many times are its arguments, until it is killed. */
import { startStalledSenders } from './stalled-senders.ts';

const [url = '', count] = process.argv.slice(2);
await startStalledSenders(url, Number(count));
console.log('stalled');
setInterval(() => {}, 60_000);
