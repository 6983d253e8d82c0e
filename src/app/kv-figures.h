/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-metrics.h"

G_BEGIN_DECLS

/* The figures of those who know nothing of figures: each is a #KvMetricsFunc. */

/**
 * kv_figures_write_build:
 *
 * What is running; its data is not looked at.
 */
void kv_figures_write_build (KvMetricsWriter *writer, gpointer unused);

/**
 * kv_figures_write_store:
 * @store: a #KvStore
 */
void kv_figures_write_store (KvMetricsWriter *writer, gpointer store);

/**
 * kv_figures_write_journal:
 * @journal: a #KvJournal
 */
void kv_figures_write_journal (KvMetricsWriter *writer, gpointer journal);

/**
 * kv_figures_write_limiter:
 * @limiter: a #KvRateLimiter
 */
void kv_figures_write_limiter (KvMetricsWriter *writer, gpointer limiter);

G_END_DECLS
