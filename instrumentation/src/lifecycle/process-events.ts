/** The part of `process` that is needed to observe and to complete its end. */
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
  /** Node's internal exit function, which `process.exit` calls after the event. */
  reallyExit?: (code?: number) => never;
};
