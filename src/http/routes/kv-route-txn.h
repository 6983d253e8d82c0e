/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_txn_post:
 *
 * `POST /v1/txn` with `{"if":[…],"then":[…],"else":[…]}`: 200 and what came of the operations that were carried out, all of them
 * as one change.
 */
void kv_route_txn_post (KvHttpExchange *exchange);

G_END_DECLS
