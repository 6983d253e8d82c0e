/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-metrics-writer.h"

G_BEGIN_DECLS

/**
 * KvMetrics:
 *
 * Who has figures. Put together in one thread, before anybody asks; then it may be asked in any thread.
 */
typedef struct _KvMetrics KvMetrics;

/**
 * KvMetricsFunc:
 *
 * Writes the families of one who has figures. Called in any thread, also in several at once; whoever serves clients runs it
 * in between, so it may neither wait nor go through what grows with what is stored.
 */
typedef void (*KvMetricsFunc) (KvMetricsWriter *writer, gpointer user_data);

/**
 * kv_metrics_new:
 *
 * Returns: (transfer full): a register without entries
 */
KvMetrics *kv_metrics_new (void);

void kv_metrics_free (KvMetrics *metrics);

/**
 * kv_metrics_add:
 * @user_data: outlives the last kv_metrics_render()
 *
 * Has @func asked, behind those that were added before.
 */
void kv_metrics_add (KvMetrics *metrics, KvMetricsFunc func, gpointer user_data);

/**
 * kv_metrics_render:
 *
 * Returns: (transfer full): all figures there are
 */
GBytes *kv_metrics_render (const KvMetrics *metrics, KvMetricsFormat format);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvMetrics, kv_metrics_free)

G_END_DECLS
