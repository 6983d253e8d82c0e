/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_health_get_alive:
 *
 * `/healthz`: answers 200 for as long as the process answers anything.
 */
void kv_route_health_get_alive (KvHttpExchange *exchange);

/**
 * kv_route_health_get_ready:
 *
 * `/readyz`: answers 200 when a write would be taken, and 503 with the reason when none would or the service is stopping.
 */
void kv_route_health_get_ready (KvHttpExchange *exchange);

G_END_DECLS
