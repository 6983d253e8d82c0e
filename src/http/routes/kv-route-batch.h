/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * KV_ROUTE_BATCH_MAX_ANSWER:
 *
 * How many bytes the values in the answer to one batch may come to. A GET beyond that has the
 * status 413 in its place of the answer, and can be asked for on its own: else a small request
 * could make us hold a thousand copies of the largest value.
 */
#define KV_ROUTE_BATCH_MAX_ANSWER (64u * 1024 * 1024)

/**
 * kv_route_batch_post:
 *
 * `/batch`: carries out an array of GETs, PUTs and DELETEs, one after the other, and answers with
 * an array of the same length and order. Nothing is carried out when one of them is not
 * well-formed. With `?atomic=true` they are carried out as one change, of which nobody sees a part.
 */
void kv_route_batch_post (KvHttpExchange *exchange);

G_END_DECLS
