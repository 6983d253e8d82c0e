/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_random_fill:
 * @bytes: (out caller-allocates) (array length=length): filled in
 *
 * Draws random bytes from the kernel, fit for secrets (getrandom(2)). Any thread; waits only while the machine starts.
 */
void kv_random_fill (gpointer bytes, gsize length);

G_END_DECLS
