import { randomBytes } from 'node:crypto';
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { SCHEMA_URL, SCOPE_NAME } from '../attributes.ts';
import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import { VERSION } from '../version.ts';

/** A span with ids, which stay the same however often it is sent. */
export interface IdentifiedSpan extends CoalescedSpan {
  /** 32 and 16 lower-case hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
}

export function identify(spans: readonly CoalescedSpan[]): IdentifiedSpan[] {
  const ids = randomBytes(spans.length * 24).toString('hex');
  return spans.map((span, index) => ({
    ...span,
    traceId: ids.slice(index * 48, index * 48 + 32),
    spanId: ids.slice(index * 48 + 32, index * 48 + 48),
  }));
}

/** SPAN_KIND_INTERNAL */
const INTERNAL = 1;

/**
 * Encodes an ExportTraceServiceRequest as OTLP/JSON (protobuf's JSON mapping, but with hexadecimal ids):
 * one resource, one scope, root spans with unset status.
 */
export function encodeOtlpJson(resource: Attributes, spans: readonly IdentifiedSpan[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [
          {
            scope: { name: SCOPE_NAME, version: VERSION },
            schemaUrl: SCHEMA_URL,
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              name: span.name,
              kind: INTERNAL,
              startTimeUnixNano: nanos(span.start),
              endTimeUnixNano: nanos(span.end),
              attributes: keyValues(span.attributes),
              links: span.link && [{ traceId: span.link.traceId, spanId: span.link.spanId }],
            })),
          },
        ],
      },
    ],
  });
}

function keyValues(attributes: Attributes): { key: string; value: object }[] {
  const list = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) list.push({ key, value: anyValue(value) });
  }
  return list;
}

/** All numbers are integers; protobuf's JSON mapping writes 64-bit integers as strings. */
function anyValue(value: AttributeValue): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'number':
      return { intValue: String(value) };
    case 'boolean':
      return { boolValue: value };
    default: {
      const strings = Array.isArray(value) ? value.map(String) : [];
      return { arrayValue: { values: strings.map((text) => ({ stringValue: text })) } };
    }
  }
}

function nanos(millis: number): string {
  return `${Math.floor(millis)}000000`;
}
