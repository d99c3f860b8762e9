/** A limit on input was exceeded. */
export class TooLargeError extends RangeError {
  /** @param unit what is counted */
  constructor(most: number, unit: 'bytes' | 'blocks' | 'messages' | 'records and headers') {
    super(`more than ${most.toLocaleString('en')} ${unit}`);
    this.name = 'TooLargeError';
  }
}
