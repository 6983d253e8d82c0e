/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_status_get:
 *
 * `/status`: answers 200 with a JSON object of the store's figures.
 */
void kv_route_status_get (KvHttpExchange *exchange);

G_END_DECLS
