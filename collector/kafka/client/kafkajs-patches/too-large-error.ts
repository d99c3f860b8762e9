/** Of something there is more than may be read. */
export class TooLargeError extends RangeError {
  /** @param unit what is counted */
  constructor(most: number, unit: 'bytes' | 'blocks' | 'messages' | 'records and headers') {
    super(`more than ${most.toLocaleString('en')} ${unit}`);
    this.name = 'TooLargeError';
  }
}
