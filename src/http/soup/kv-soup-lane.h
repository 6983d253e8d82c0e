/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"

G_BEGIN_DECLS

/**
 * KvSoupLane:
 *
 * The lane that answers through a SoupServer. Used in its worker's thread only; its header shows
 * nothing of libsoup, and nothing of libsoup leaves this folder.
 */
typedef struct _KvSoupLane KvSoupLane;

/**
 * kv_soup_lane_new:
 *
 * Makes a lane for the thread-default main context. It has to be the lane data of its pool.
 */
KvSoupLane *kv_soup_lane_new (void);

/**
 * kv_soup_lane_get_functions:
 *
 * Returns: (transfer none): what a pool needs
 */
const KvHttpLane *kv_soup_lane_get_functions (void);

/**
 * kv_soup_lane_free:
 *
 * Requests that have not been answered yet are cut off.
 */
void kv_soup_lane_free (KvSoupLane *lane);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSoupLane, kv_soup_lane_free)

G_END_DECLS
