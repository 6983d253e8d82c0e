/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_metrics_get:
 *
 * `/metrics`: answers 200 with all figures, in OpenMetrics, or in the older text format of Prometheus for one who
 * would rather have that; 404 where nobody has figures.
 */
void kv_route_metrics_get (KvHttpExchange *exchange);

G_END_DECLS
