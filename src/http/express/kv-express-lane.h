/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"

G_BEGIN_DECLS

/**
 * kv_express_lane_get_functions:
 *
 * The lane that answers what the recogniser takes, straight from the connection's buffer and into
 * it. It keeps nothing, so that one serves all workers.
 *
 * Returns: what a pool needs of it
 */
const KvHttpLane *kv_express_lane_get_functions (void);

G_END_DECLS
