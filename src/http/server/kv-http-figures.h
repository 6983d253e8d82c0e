/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-meter.h"

G_BEGIN_DECLS

/**
 * KvHttpFigures:
 * @meters: (owned) (element-type KvHttpMeter): one for each worker
 * @accepted: connections that the kernel has given, those that were refused included
 * @refused: connections that were one too many
 *
 * What the server has to tell of itself.
 */
typedef struct {
  GPtrArray *meters;
  guint64 accepted;
  guint64 refused;
} KvHttpFigures;

/**
 * kv_http_figures_write:
 * @figures: a #KvHttpFigures
 *
 * A #KvMetricsFunc.
 */
void kv_http_figures_write (KvMetricsWriter *writer, gpointer figures);

G_END_DECLS
