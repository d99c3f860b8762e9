import { OTHER } from '../../instrumentation/src/attributes.ts';
import type { Dashboard, Thresholds } from './definition.ts';
import {
  DECISIONS,
  decisionsWhere,
  FROM,
  namesOf,
  perMinute,
  ratio,
  STEP,
  selected,
  TIME,
  TO,
  usage,
} from './query-text.ts';
import { SERVICES, UIDS } from './shared.ts';

const HERE = selected('service');
const USAGE = usage({ where: HERE, of: ['source'] });
const COMPLETENESS = `completeness WHERE hour >= toStartOfHour(${FROM}) AND hour <= ${TO} AND ${HERE}`;
const SLOTS_IN_RANGE = `slot >= toStartOfTenMinutes(${FROM}) AND slot <= ${TO}`;
/** A slot of ten minutes is due two minutes after its end. */
const DUE = `slot <= ${TO} - INTERVAL 12 MINUTE`;
const STUCK = `failure != '' AND (run = 0 OR behind AND NOT sealed)`;
const COMPLETE: Thresholds = { warning: 0.99, critical: 0.95, below: true };
const slotTime = `toStartOfInterval(slot, toIntervalSecond(greatest(600, ${STEP})), 'UTC') AS time`;

export const PIPELINE_HEALTH: Dashboard = {
  uid: UIDS.pipelineHealth,
  title: 'Originscope: pipeline health',
  question: 'Can I trust these numbers: is everything here that services observed, and is it recent?',
  since: '24h',
  variables: [{ ...SERVICES, sql: namesOf('service', '1') }],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Completeness',
          description:
            'Decisions that arrived ÷ decisions that the instrumented services observed, in the hours that the range touches.',
          width: 5,
          height: 4,
          unit: 'ratio',
          decimals: 2,
          thresholds: COMPLETE,
          sql: `SELECT ${ratio('sum(received)', 'sum(observed)')} AS completeness FROM ${COMPLETENESS}`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'Age of the newest decision',
          description: 'At the end of the range. It grows when nothing arrives any more.',
          width: 5,
          height: 4,
          unit: 'seconds',
          thresholds: { warning: 300, critical: 1800 },
          sql: `SELECT greatest(0, ${TO} - max(usage.time)) AS age FROM ${USAGE} HAVING count() > 0`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Unpublished slots',
          description:
            'Closed slots of ten minutes that nobody has published yet: readers sum their raw rows, which is right and slower. Above 1 for half an hour: no publisher runs.',
          width: 5,
          height: 4,
          unit: 'count',
          thresholds: { warning: 2, critical: 6 },
          sql: `SELECT count() AS unpublished FROM slots WHERE run = 0 AND ${DUE}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Stuck slots',
          description: 'Slots that could not be published; the table below says why.',
          width: 5,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1, critical: 1 },
          sql: `SELECT count() AS stuck FROM slot_states WHERE ${STUCK}`,
        },
        {
          kind: 'stat',
          id: 5,
          title: 'Left out',
          description:
            'Decisions of late spans whose slot cannot be summed again, so that no view counts them: originscope rebuild does.',
          width: 4,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1, critical: 1000 },
          sql: `SELECT sum(left_out.decisions) AS left_out FROM left_out WHERE ${SLOTS_IN_RANGE} AND ${HERE}`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'time_series',
          id: 6,
          title: 'Completeness by service',
          description:
            'By the hour; the ten least complete services. Only instrumented services know how much they observed.',
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: COMPLETE,
          sql: `SELECT hour AS time, service AS series, ${ratio('sum(received)', 'sum(observed)')} AS value FROM ${COMPLETENESS}
      AND service IN (
        SELECT service FROM ${COMPLETENESS} GROUP BY service ORDER BY sum(received) / nullIf(sum(observed), 0) LIMIT 10)
    GROUP BY time, series ORDER BY time, series`,
        },
        {
          kind: 'time_series',
          id: 7,
          title: 'Publication delay',
          description:
            'From the end of a slot to its publication. A slot is published again when late spans come for it: the second line.',
          width: 12,
          height: 8,
          unit: 'seconds',
          style: 'lines',
          thresholds: { warning: 900, critical: 3600 },
          sql: `SELECT ${slotTime}, max(first_delay) AS "First", max(last_delay) AS "Latest"
    FROM (
      SELECT slot, dateDiff('second', slot + 600, min(published_at)) AS first_delay,
        dateDiff('second', slot + 600, max(published_at)) AS last_delay
      FROM published_slots WHERE ${SLOTS_IN_RANGE} GROUP BY slot)
    GROUP BY time ORDER BY time`,
        },
        {
          kind: 'time_series',
          id: 8,
          title: 'Decisions by source',
          description:
            'Per minute. Instrumented and derived are exact, estimated is right on average, sampled is a lower bound.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          sql: `SELECT ${TIME}, source AS series, ${perMinute(DECISIONS)} AS value
    FROM ${USAGE} GROUP BY time, series ORDER BY time, series`,
        },
        {
          kind: 'time_series',
          id: 9,
          title: 'Decisions without their origin',
          description: `Share of decisions whose origin is past a budget and counted as ${OTHER}: a flood of invented origins, or more tenants than the budget.`,
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: { warning: 0.01, critical: 0.1 },
          sql: `SELECT ${TIME}, ${ratio(decisionsWhere('is_other'), decisionsWhere('NOT is_other'))} AS "Share of ${OTHER}"
    FROM (
      SELECT time, decisions, false AS is_other FROM ${USAGE}
      UNION ALL
      SELECT time, decisions, true AS is_other FROM ${usage({ where: `${HERE} AND origin = '${OTHER}'`, of: ['origin'] })}
    ) AS usage GROUP BY time ORDER BY time`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 10,
          title: 'Services',
          description:
            'What each instrumented service observed and what arrived of it; the least complete first.',
          width: 12,
          height: 9,
          columns: [
            { name: 'service', title: 'Service', unit: 'text' },
            { name: 'observed_decisions', title: 'Observed', unit: 'count', width: 110 },
            { name: 'received_decisions', title: 'Received', unit: 'count', width: 110 },
            {
              name: 'complete',
              title: 'Completeness',
              unit: 'ratio',
              width: 140,
              thresholds: COMPLETE,
            },
          ],
          sql: `SELECT service, sum(observed) AS observed_decisions, sum(received) AS received_decisions,
      ${ratio('received_decisions', 'observed_decisions')} AS complete
    FROM ${COMPLETENESS} GROUP BY service ORDER BY complete, service LIMIT 100`,
        },
        {
          kind: 'table',
          id: 11,
          title: 'Slots with trouble',
          description:
            'Slots that could not be published, or that hold late spans that no view counts. The newest first.',
          width: 12,
          height: 9,
          columns: [
            { name: 'slot', title: 'Slot', unit: 'time', width: 170 },
            { name: 'state', title: 'State', unit: 'text', width: 180 },
            { name: 'reason', title: 'Reason', unit: 'text' },
          ],
          sql: `SELECT slot, multiIf(${STUCK}, 'could not be published', 'late spans are left out') AS state, failure AS reason
    FROM slot_states WHERE ${STUCK} OR sealed AND behind ORDER BY slot DESC LIMIT 100`,
        },
      ],
    },
    {
      title: 'Volume and disks',
      collapsed: true,
      panels: [
        {
          kind: 'time_series',
          id: 12,
          title: 'Decisions per span',
          description:
            'How many decisions a span carries on average: what coalescing spares. 1 means that services coalesce nothing.',
          width: 12,
          height: 8,
          unit: 'factor',
          style: 'lines',
          sql: `SELECT ${slotTime}, ${ratio('sum(slot_decisions)', 'sum(slot_spans)')} AS "Decisions per span"
    FROM (
      SELECT slot, argMax(spans, run) AS slot_spans, argMax(decisions, run) AS slot_decisions
      FROM published_slots WHERE ${SLOTS_IN_RANGE} GROUP BY slot)
    GROUP BY time ORDER BY time`,
        },
        {
          kind: 'table',
          id: 13,
          title: 'Disks',
          description: 'Of the ClickHouse server that answers.',
          width: 12,
          height: 8,
          columns: [
            { name: 'name', title: 'Disk', unit: 'text' },
            { name: 'free', title: 'Free', unit: 'bytes', width: 130 },
            { name: 'total', title: 'Size', unit: 'bytes', width: 130 },
            {
              name: 'free_share',
              title: 'Free share',
              unit: 'ratio',
              width: 160,
              thresholds: { warning: 0.2, critical: 0.1, below: true },
            },
          ],
          sql: `SELECT name, free_space AS free, total_space AS total, ${ratio('free', 'total')} AS free_share
    FROM system.disks ORDER BY name`,
        },
      ],
    },
  ],
};
