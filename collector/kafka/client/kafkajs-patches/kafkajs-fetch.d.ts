/** Internals of kafkajs that it does not export: its fetch requests, by version. */
declare module 'kafkajs/src/protocol/requests/fetch/index.js' {
  const fetchProtocol: {
    readonly versions: readonly string[];
    protocol(options: { version: string }): (request: { topics: [] }) => {
      readonly response: { decode(answer: Buffer): Promise<object> };
    };
  };
  export default fetchProtocol;
}
