/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-metrics.h"

G_BEGIN_DECLS

/**
 * kv_process_figures_write:
 *
 * The figures that every process has, under the names that Prometheus's client libraries give them. A #KvMetricsFunc;
 * its data is not looked at.
 */
void kv_process_figures_write (KvMetricsWriter *writer, gpointer unused);

G_END_DECLS
