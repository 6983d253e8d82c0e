/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"
#include "dbus/kv-dbus-courier.h"

G_BEGIN_DECLS

/**
 * KvDbusTransfer:
 * @callers: (borrowed): who end it when the caller leaves
 * @call: (owned): what is to be answered
 * @courier: (owned): has the descriptor
 * @error: (owned) (nullable): what it has come to
 * @write: writes what it has come to, if that is no error
 * @free: frees what embeds this
 *
 * What dumps and restores have in common: a call that is answered when a courier has carried everything, and that ends when
 * its caller leaves the bus. To be the first member of what embeds it. For the service's main context.
 */
typedef struct {
  KvDbusCallers *callers;
  KvDbusCall *call;
  KvDbusCourier *courier;
  GError *error;
  KvDbusWriteFunc write;
  GDestroyNotify free;
} KvDbusTransfer;

/**
 * kv_dbus_transfer_begin:
 * @transfer: (out caller-allocates): is filled in
 * @call: (transfer full): one that has a handle, when %TRUE is returned; the caller's still when it is %FALSE
 * @data: (transfer full): for the courier, as kv_dbus_courier_new() has it
 * @free: frees what embeds @transfer, when that has ended in whichever way; not called when %FALSE is returned
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Begins a transfer, whose courier may be sent then.
 */
gboolean kv_dbus_transfer_begin (KvDbusTransfer *transfer,
                                 KvDbusContext *context,
                                 KvDbusCall *call,
                                 KvDbusPortDirection direction,
                                 gpointer data,
                                 GDestroyNotify free_data,
                                 GDestroyNotify free,
                                 GError **error);

/**
 * kv_dbus_transfer_conclude:
 * @error: (nullable): why it has failed
 * @write: writes what the method returns, from the transfer, if it has not
 *
 * Ends a transfer whose courier is at rest: the descriptor is closed, then the call is answered, then all is freed.
 */
void
kv_dbus_transfer_conclude (KvDbusTransfer *transfer, const GError *error, KvDbusWriteFunc write);

G_END_DECLS
