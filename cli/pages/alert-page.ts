import { alertContent, CLASS_NAMES, durationText, placeOf } from '../../analyzer/alerting/alert-content.ts';
import type { AlertLinks } from '../../analyzer/alerting/alert-links.ts';
import type { Alert } from '../../analyzer/alerting/alert-tracker.ts';
import type { Severity } from '../../analyzer/incidents/incident.ts';
import { type PageOptions, type Paint, paintFor, plain, readableWidth, wrapped } from './terminal.ts';
