/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-histogram.h"

G_BEGIN_DECLS

/**
 * KvMetricsFormat:
 * @KV_METRICS_OPENMETRICS: OpenMetrics 1.0
 * @KV_METRICS_PROMETHEUS: the text format 0.0.4 of Prometheus
 */
typedef enum {
  KV_METRICS_OPENMETRICS,
  KV_METRICS_PROMETHEUS,
} KvMetricsFormat;

/**
 * KvMetricType:
 * @KV_METRIC_COUNTER: what only rises
 * @KV_METRIC_GAUGE: what rises and falls
 * @KV_METRIC_HISTOGRAM: a #KvHistogram
 * @KV_METRIC_INFO: a 1, whose labels tell something
 */
typedef enum {
  KV_METRIC_COUNTER,
  KV_METRIC_GAUGE,
  KV_METRIC_HISTOGRAM,
  KV_METRIC_INFO,
} KvMetricType;

/**
 * KvMetricsWriter:
 *
 * Makes text of figures. A family begins with kv_metrics_writer_begin() and has what is added until the next begins; each
 * name begins once. Labels are given as names and values in turn, and end with %NULL: few, and of few values, whatever clients
 * may send.
 */
typedef struct _KvMetricsWriter KvMetricsWriter;

/**
 * kv_metrics_writer_new:
 *
 * Returns: (transfer full): a writer, to be ended with kv_metrics_writer_end()
 */
KvMetricsWriter *kv_metrics_writer_new (KvMetricsFormat format);

/**
 * kv_metrics_writer_end:
 * @writer: (transfer full): a writer
 *
 * Returns: (transfer full): the text
 */
GBytes *kv_metrics_writer_end (KvMetricsWriter *writer);

/**
 * kv_metrics_writer_begin:
 * @name: of the family, without the `_total` or `_info` that its samples end with; where there is a @unit it ends with that.
 *   Static
 * @unit: (nullable): `seconds` or `bytes`
 * @help: a sentence for people
 */
void kv_metrics_writer_begin (KvMetricsWriter *writer,
                              const char *name,
                              KvMetricType type,
                              const char *unit,
                              const char *help);

/**
 * kv_metrics_writer_add:
 * @value: of a counter, a gauge or an info
 */
void kv_metrics_writer_add (KvMetricsWriter *writer, guint64 value, ...) G_GNUC_NULL_TERMINATED;

/**
 * kv_metrics_writer_add_time:
 * @microseconds: 0 or more, written as seconds
 */
void kv_metrics_writer_add_time (KvMetricsWriter *writer, guint64 microseconds, ...)
  G_GNUC_NULL_TERMINATED;

/**
 * kv_metrics_writer_add_histogram:
 * @histogram: one that nobody counts into now, see kv_histogram_add()
 */
void kv_metrics_writer_add_histogram (KvMetricsWriter *writer, const KvHistogram *histogram, ...)
  G_GNUC_NULL_TERMINATED;

/**
 * kv_metrics_format_get_content_type:
 *
 * Returns: what a text of this format is called
 */
const char *kv_metrics_format_get_content_type (KvMetricsFormat format);

G_END_DECLS
