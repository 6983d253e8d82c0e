/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * kv_dbus_restore_run:
 *
 * Restore(): a #KvDbusHandler for the main context. A thread reads from the caller's descriptor, at the pace at which the store
 * takes the entries; these are put in the main context, so that nothing happens to the store any more once the transfer has
 * been ended there.
 */
gboolean kv_dbus_restore_run (KvDbusContext *context,
                              KvDbusReader *parameters,
                              KvDbusCall *call,
                              GError **error);

G_END_DECLS
