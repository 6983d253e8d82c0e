/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-message.h"
#include "dbus/wire/kv-dbus-buffer.h"

G_BEGIN_DECLS

/**
 * KvDbusIntake:
 * @bytes: what has come in and is not used up yet
 * @descriptors: (owned) (nullable) (element-type int): what has come with it, in order
 *
 * Messages on their way in from a socket, with the file descriptors that belong to some of them. Begin with `{ 0 }`, end with
 * kv_dbus_intake_clear(). One thread at a time may have it.
 */
typedef struct {
  KvDbusBuffer bytes;
  GArray *descriptors;
} KvDbusIntake;

/**
 * KvDbusIntakeResult:
 * @KV_DBUS_INTAKE_MORE: there is, or may be, more than before
 * @KV_DBUS_INTAKE_NOTHING: nothing has come
 * @KV_DBUS_INTAKE_END: nothing will come any more: the other end is closed, or the socket is broken
 *
 * What receiving comes to.
 */
typedef enum {
  KV_DBUS_INTAKE_MORE,
  KV_DBUS_INTAKE_NOTHING,
  KV_DBUS_INTAKE_END,
} KvDbusIntakeResult;

/**
 * kv_dbus_intake_receive:
 * @socket: a stream socket that does not block
 *
 * Reads once from @socket: as much as there is, within reason.
 */
KvDbusIntakeResult kv_dbus_intake_receive (KvDbusIntake *intake, int socket);

/**
 * KvDbusIntakeNext:
 * @KV_DBUS_INTAKE_WHOLE: here is a message
 * @KV_DBUS_INTAKE_PART: more of it has to come in
 * @KV_DBUS_INTAKE_MALFORMED: whatever that is, nobody can tell where it ends, or who its descriptors belong to
 *
 * What comes next.
 */
typedef enum {
  KV_DBUS_INTAKE_WHOLE,
  KV_DBUS_INTAKE_PART,
  KV_DBUS_INTAKE_MALFORMED,
} KvDbusIntakeNext;

/**
 * kv_dbus_intake_peek:
 * @message: (out): set to the next message when that is whole: until kv_dbus_intake_drop() is called
 */
KvDbusIntakeNext kv_dbus_intake_peek (KvDbusIntake *intake, KvDbusMessage *message);

/**
 * kv_dbus_intake_drop:
 * @message: what kv_dbus_intake_peek() has given
 *
 * Lets go of the message, and closes the descriptors that nobody has taken.
 */
void kv_dbus_intake_drop (KvDbusIntake *intake, KvDbusMessage *message);

/**
 * kv_dbus_intake_clear:
 *
 * Throws away what is left.
 */
void kv_dbus_intake_clear (KvDbusIntake *intake);

G_END_DECLS
