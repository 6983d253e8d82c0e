/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_ready_tell:
 * @fd: an open file descriptor
 * @addresses: (array zero-terminated=1) (nullable): what HTTP is served on
 * @on_bus: whether the name on the bus is ours
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Writes `READY=1`, each address, and `bus NAME`, a line each, and closes @fd: whoever waits reads to the end.
 * Descriptor 1 is turned to /dev/null instead, so that nothing else takes its number.
 */
gboolean kv_ready_tell (int fd, const char *const *addresses, gboolean on_bus, GError **error);

G_END_DECLS
