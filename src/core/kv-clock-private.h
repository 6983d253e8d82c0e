/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-clock.h"

G_BEGIN_DECLS

/**
 * kv_clock_read_both:
 * @now: (out): as kv_clock_now()
 * @wall: (out): microseconds since the Unix epoch
 *
 * Reads both clocks at one moment, as far as that can be had. Any thread.
 */
void kv_clock_read_both (gint64 *now, gint64 *wall);

G_END_DECLS
