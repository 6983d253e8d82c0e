/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "backup/kv-dump-writer.h"
#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * KvHttpDumpGroup:
 *
 * The dumps of one worker that are on their way. Each has taken the socket from its carrier, and is made at the pace at
 * which the socket takes it. Used in the worker's thread only.
 */

/**
 * kv_http_dump_group_new:
 * @poller: of the worker; outlives the group
 * @limits: likewise
 */
KvHttpDumpGroup *kv_http_dump_group_new (KvHttpPoller *poller, const KvHttpLimits *limits);

/**
 * kv_http_dump_group_open:
 * @exchange: a request for a dump, with the headers of the answer set, but for those that tell of its framing
 * @writer: (transfer full): what makes it
 *
 * Answers @exchange with a dump, in chunks where the client knows them (RFC 9112, section 7.1), and closes the connection behind
 * it. A client that takes nothing for the time that an answer may wait is cut off; what lacks its end by that says so.
 */
void
kv_http_dump_group_open (KvHttpDumpGroup *group, KvHttpExchange *exchange, KvDumpWriter *writer);

/**
 * kv_http_dump_group_free:
 *
 * Cuts off what is still on its way.
 */
void kv_http_dump_group_free (KvHttpDumpGroup *group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvHttpDumpGroup, kv_http_dump_group_free)

G_END_DECLS
