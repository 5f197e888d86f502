import { text } from '../response.ts'
import { measure } from '../../metrics/metrics.ts'
import { OPENMETRICS } from '../../metrics/openmetrics.ts'
import type { Route } from '../route.ts'

/** `GET /metrics` for Prometheus: with its bearer if `metricsCredential` is set, else for this machine only. */
export const metricsRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    tag: 'operations',
    access: 'monitor',
    operation: {
      summary: 'Measurements in the OpenMetrics 1.0 text format.',
      answers: { 200: { description: 'The measurements.', type: OPENMETRICS } },
    },
    handle: ({ context: { metrics, operations } }) => text(measure(metrics, operations.measurements()), OPENMETRICS),
  },
]
