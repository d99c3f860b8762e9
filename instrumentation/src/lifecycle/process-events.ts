/** As much of `process` as is needed to learn of its end, and to end it. */
export type ProcessEvents = Pick<
  NodeJS.Process,
  | 'on'
  | 'prependListener'
  | 'removeListener'
  | 'removeAllListeners'
  | 'listenerCount'
  | 'listeners'
  | 'kill'
  | 'pid'
> & {
  /** Node's own way out of `process.exit`, behind the event. */
  reallyExit?: (code?: number) => never;
};
