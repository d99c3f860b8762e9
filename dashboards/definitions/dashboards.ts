import { BLOCKED_REQUESTS } from './blocked-requests.ts';
import type { Dashboard } from './definition.ts';
import { INCIDENTS_DASHBOARD } from './incidents.ts';
import { ORIGIN_DASHBOARD } from './origin.ts';
import { OVERVIEW } from './overview.ts';
import { PIPELINE_HEALTH } from './pipeline-health.ts';
import { PREFLIGHTS_DASHBOARD } from './preflights.ts';
import { SERVICE_DASHBOARD } from './service.ts';
import { WHAT_DIFFERS } from './what-differs.ts';

/** From the general to the specific. */
export const DASHBOARDS: readonly Dashboard[] = [
  OVERVIEW,
  SERVICE_DASHBOARD,
  ORIGIN_DASHBOARD,
  BLOCKED_REQUESTS,
  WHAT_DIFFERS,
  PREFLIGHTS_DASHBOARD,
  INCIDENTS_DASHBOARD,
  PIPELINE_HEALTH,
];
