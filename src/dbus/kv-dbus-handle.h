/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-message.h"

G_BEGIN_DECLS

/**
 * KvDbusHandles:
 *
 * How many descriptors of callers are held, by whom: each caller has its share, and all of them together have one, so that nobody
 * fills the process's table of files. Whoever holds a descriptor holds a reference. Any thread.
 */
typedef struct _KvDbusHandles KvDbusHandles;

/**
 * KvDbusHandle:
 *
 * A descriptor that has come with a call. It counts for its caller until it is closed, wherever it is held: also in a thread that
 * waits for a disk that does not answer. One thread at a time may have it.
 */
typedef struct _KvDbusHandle KvDbusHandle;

/**
 * kv_dbus_handles_new:
 *
 * Returns: (transfer full): none held as yet
 */
KvDbusHandles *kv_dbus_handles_new (void);

/**
 * kv_dbus_handles_unref:
 * @handles: (transfer full): one's reference
 */
void kv_dbus_handles_unref (KvDbusHandles *handles);

/**
 * kv_dbus_handles_take:
 * @message: a call that is to have brought one descriptor, which is taken out of it
 * @index: what the parameter of type h says
 * @error: set to %KV_ERROR_LIMIT_EXCEEDED when the caller or all callers have too many, to %KV_ERROR_INVALID_ARGUMENT when there is
 *   not just the one descriptor
 *
 * Returns: (transfer full): the descriptor
 */
KvDbusHandle *kv_dbus_handles_take (KvDbusHandles *handles,
                                    KvDbusMessage *message,
                                    guint32 index,
                                    GError **error);

/**
 * kv_dbus_handle_get_descriptor:
 *
 * Returns: (transfer none): the descriptor. What it refers to belongs to the caller as much as to us: nothing of it is to be
 *   changed that others would notice, such as whether it blocks.
 */
int kv_dbus_handle_get_descriptor (const KvDbusHandle *handle);

/**
 * kv_dbus_handle_close:
 * @handle: (transfer full): a handle
 *
 * Closes it. May block: a file may have to be written first.
 *
 * Returns: 0, or what has gone wrong, as errno has it: some file systems tell only now that they had no room
 */
int kv_dbus_handle_close (KvDbusHandle *handle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusHandles, kv_dbus_handles_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusHandle, kv_dbus_handle_close)

G_END_DECLS
