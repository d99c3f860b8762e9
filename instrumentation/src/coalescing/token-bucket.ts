/** Rate limiter that allows bursts of `burst` and `perSecond` on average. */
export class TokenBucket {
  readonly #perMilli: number;
  readonly #burst: number;
  #tokens: number;
  #time = 0;

  constructor(perSecond: number, burst: number) {
    this.#perMilli = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /**
   * Takes a token if one is available at `time` (epoch milliseconds). A clock that was set back adds none.
   */
  take(time: number): boolean {
    const elapsed = Math.max(0, time - this.#time);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMilli);
    this.#time = time;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
