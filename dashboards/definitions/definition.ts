/**
 * A dashboard as data: the built-in console and Grafana render the same definition. Queries are written in
 * ClickHouse's parameter syntax, `{name:Type}`, and refer to `from`, `to` and `interval` (query-text.ts) and to the
 * dashboard's variables by name.
 */
export interface Dashboard {
  /** Part of URLs: never changed once released. */
  readonly uid: string;
  readonly title: string;
  /** The one question that it answers. */
  readonly question: string;
  /** How far back it looks at first, as Grafana writes it: `24h`. */
  readonly since: string;
  readonly variables: readonly Variable[];
  readonly annotations?: readonly Annotation[];
  readonly rows: readonly Row[];
}

export type Variable = QueryVariable | ChoiceVariable;

interface VariableText {
  readonly name: string;
  readonly label: string;
  readonly description: string;
}

/**
 * Values come from the data, so they are hashes: a name that an attacker chose is never part of a statement. As a
 * parameter it is an `Array(UInt64)`; with `multi` 0 means all.
 */
export interface QueryVariable extends VariableText {
  readonly kind: 'query';
  /** Two columns of text: the hash, and the name to show. */
  readonly sql: string;
  /** Whether several, or all, can be selected. */
  readonly multi: boolean;
}

/** Values that are written here. The first one is the default. As a parameter it is a number. */
export interface ChoiceVariable extends VariableText {
  readonly kind: 'choice';
  readonly choices: readonly { readonly text: string; readonly value: number }[];
}

/** Events that are marked on every time axis: columns `time`, perhaps `timeEnd`, `text`, `tags` (after commas). */
export interface Annotation {
  readonly name: string;
  readonly color: string;
  readonly sql: string;
}

/** Panels from left to right, top to bottom. */
export interface Row {
  /** Absent: the row has no header. */
  readonly title?: string;
  readonly collapsed?: boolean;
  readonly panels: readonly Panel[];
}

export type Panel = StatPanel | TimeSeriesPanel | TablePanel;

interface PanelBase {
  /** Unique in its dashboard; part of URLs and alerts, so never changed once released. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly height: number;
  readonly sql: string;
}

/** One row with one column. */
export interface StatPanel extends PanelBase {
  readonly kind: 'stat';
  readonly unit: Unit;
  readonly decimals?: number;
  readonly thresholds?: Thresholds;
}

/** Rows by time: a column `time`, then either `series` (its text) and `value`, or a column for each series. */
export interface TimeSeriesPanel extends PanelBase {
  readonly kind: 'time_series';
  readonly unit: Unit;
  readonly style: 'lines' | 'stacked_bars';
  readonly thresholds?: Thresholds;
  /** Of series whose meaning has a colour. */
  readonly colors?: Readonly<Record<string, string>>;
}

export interface TablePanel extends PanelBase {
  readonly kind: 'table';
  /** In the order of the statement, which may have more columns: those are not shown. */
  readonly columns: readonly TableColumn[];
}

export interface TableColumn {
  /** In the statement. */
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  /** Pixels; default: what is left over. */
  readonly width?: number;
  readonly thresholds?: Thresholds;
  /** A bar from 0 to 1 beside the number. */
  readonly bar?: boolean;
  readonly link?: DashboardLink;
  /** The column holds a trace id. */
  readonly trace?: boolean;
}

/** To another dashboard, with the time range and the variables of the same names. */
export interface DashboardLink {
  readonly title: string;
  readonly uid: string;
  /** Variables that the row decides: by name, the column that holds the hash. */
  readonly set: Readonly<Record<string, string>>;
  /** Variables of this dashboard that the other one has, too. */
  readonly keep: readonly string[];
}

/** `ratio`: 1 is 100 %. `text` and `time` are not numbers. */
export type Unit =
  | 'count'
  | 'per_minute'
  | 'ratio'
  | 'factor'
  | 'seconds'
  | 'bytes'
  | 'status'
  | 'text'
  | 'time';

/** From which value on something deserves attention, and from which on it needs action. */
export interface Thresholds {
  readonly warning: number;
  readonly critical: number;
  /** Low values are the bad ones. */
  readonly below?: boolean;
}
