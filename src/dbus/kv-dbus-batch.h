/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * kv_dbus_batch_run:
 *
 * The #KvDbusHandler of Batch(): many operations, one after the other. When one of them is wrong in itself, none is
 * carried out.
 */
gboolean kv_dbus_batch_run (KvDbusContext *context,
                            KvDbusReader *parameters,
                            KvDbusCall *call,
                            GError **error);

G_END_DECLS
