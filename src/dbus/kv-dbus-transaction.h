/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * kv_dbus_transaction_run:
 *
 * The #KvDbusHandler of Transaction(): many operations as one change, if some conditions hold, and others if they do not. When a
 * part of it is wrong in itself, or one of the operations cannot be carried out, nothing is, and the error says which it was.
 */
gboolean kv_dbus_transaction_run (KvDbusContext *context,
                                  KvDbusReader *parameters,
                                  KvDbusCall *call,
                                  GError **error);

G_END_DECLS
