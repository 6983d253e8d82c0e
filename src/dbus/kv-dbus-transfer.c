/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-transfer.h"

#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"

static void
dispose (gpointer data)
{
  KvDbusTransfer *transfer = data;

  g_clear_pointer (&transfer->courier, kv_dbus_courier_free);
  g_clear_pointer (&transfer->call, kv_dbus_call_drop);
  g_clear_error (&transfer->error);
  transfer->free (transfer);
}

gboolean
kv_dbus_transfer_begin (KvDbusTransfer *transfer,
                        KvDbusContext *context,
                        KvDbusCall *call,
                        KvDbusPortDirection direction,
                        gpointer data,
                        GDestroyNotify free_data,
                        GDestroyNotify free,
                        GError **error)
{
  KvDbusCourier *courier = kv_dbus_courier_new (kv_dbus_call_take_handle (call), direction,
                                                KV_DBUS_PATIENCE, data, free_data, error);

  if (courier == NULL)
    return FALSE;

  /* It may take long, and nobody is to keep large messages here for as long as that. */
  kv_dbus_call_forget (call);
  *transfer = (KvDbusTransfer){
    .callers = context->callers,
    .call = call,
    .courier = courier,
    .free = free,
  };
  kv_dbus_callers_add_transfer (context->callers, kv_dbus_call_get_sender (call), transfer,
                                dispose);

  return TRUE;
}

static void
answer (KvDbusTransfer *transfer)
{
  KvDbusCall *call = g_steal_pointer (&transfer->call);

  if (transfer->error != NULL)
    kv_dbus_error_return (call, g_steal_pointer (&transfer->error));
  else
    kv_dbus_call_return (call, transfer->write, transfer);
}

static void
on_closed (gpointer user_data, const GError *error)
{
  KvDbusTransfer *transfer = user_data;

  if (transfer->error == NULL && error != NULL)
    transfer->error = g_error_copy (error);
  kv_dbus_callers_remove_transfer (transfer->callers, kv_dbus_call_get_sender (transfer->call),
                                   transfer);
  answer (transfer);
  dispose (transfer);
}

void
kv_dbus_transfer_conclude (KvDbusTransfer *transfer, const GError *error, KvDbusWriteFunc write)
{
  transfer->error = error != NULL ? g_error_copy (error) : NULL;
  transfer->write = write;
  kv_dbus_courier_close (transfer->courier, on_closed, transfer);
}
