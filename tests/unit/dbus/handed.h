/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-handle.h"

G_BEGIN_DECLS

/* Descriptors that come with calls. */

/**
 * handed_take:
 * @sender: who has sent it
 * @descriptor: (transfer full): what has come
 *
 * Takes a descriptor out of a call.
 *
 * Returns: (transfer full) (nullable): the handle; %NULL and @error when it is refused, and closed
 */
KvDbusHandle *
handed_take (KvDbusHandles *handles, const char *sender, int descriptor, GError **error);

/**
 * handed_count:
 *
 * Returns: how many files this process has open
 */
guint handed_count (void);

G_END_DECLS
