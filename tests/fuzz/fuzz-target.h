/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * LLVMFuzzerTestOneInput:
 * @data: (array length=length): what a client sends on one connection
 *
 * What libFuzzer calls, and fuzz-main.c where there is no libFuzzer. Aborts on what must not be.
 *
 * Returns: 0
 */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize length);

/**
 * LLVMFuzzerInitialize:
 *
 * Called once, before anything else.
 *
 * Returns: 0
 */
int LLVMFuzzerInitialize (int *argc, char ***argv);

G_END_DECLS
