/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-message.h"

int *
kv_dbus_message_steal (KvDbusMessage *message, guint *n_descriptors)
{
  int *descriptors = NULL;

  if (message->descriptors != NULL)
    descriptors = g_memdup2 (message->descriptors, message->n_descriptors * sizeof (int));
  *n_descriptors = message->descriptors != NULL ? message->n_descriptors : 0;
  message->descriptors = NULL;

  return descriptors;
}
