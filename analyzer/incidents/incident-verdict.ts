/** A person's word on an incident: the new normal, or a false alarm. */
export interface IncidentVerdict {
  readonly incident: string;
  readonly action: 'accept' | 'dismiss';
  readonly who: string;
  readonly why: string;
  /** Epoch milliseconds. */
  readonly at: number;
}
