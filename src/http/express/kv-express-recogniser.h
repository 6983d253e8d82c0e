/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/wire/kv-http-head.h"

G_BEGIN_DECLS

/**
 * kv_express_recognise:
 * @head: a complete one, which the parser has not refused
 * @method: its method
 *
 * Tells the plain requests, which most are, from the unusual ones: HTTP/1.0, a body in chunks, a
 * client that waits for `100 Continue` or wants another protocol, OPTIONS. A pure function.
 *
 * Returns: whether the request is plain
 */
gboolean kv_express_recognise (const KvHttpHead *head, KvHttpMethod method);

G_END_DECLS
