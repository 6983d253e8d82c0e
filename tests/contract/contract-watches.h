/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "kvstore.h"

/**
 * do_watch:
 * @words: "watch SINCE", then "key=KEY" and "prefix=PREFIX" as often as wanted
 * @watches: (element-type KvWatch): where the watch goes; its place is its number
 *
 * Answers "watch NUMBER", "resumes" or "begins", the oldest revision after which one could resume, and the current one. From then on
 * the watch writes lines "event NUMBER KIND KEY VALUE REVISION WHOLE PREVIOUS_VALUE PREVIOUS_REVISION".
 */
void do_watch (KvStore *store, GPtrArray *watches, char **words);

/**
 * do_unwatch:
 * @words: "unwatch NUMBER"
 *
 * Ends a watch, and answers "ended".
 */
void do_unwatch (GPtrArray *watches, char **words);
