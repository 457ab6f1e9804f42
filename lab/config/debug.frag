# SPDX-License-Identifier: GPL-2.0-or-later
#
# Merged over um.frag for the debug flavour.
# Not SLUB_DEBUG_ON: its poison is a KASAN report on UML, whose memset is always checked;
# lab/run asks for the checks that do not write.
# KASAN's frames overran 16 KiB, into the neighbour's stack. How deep it gets is in the log.
CONFIG_KERNEL_STACK_ORDER=3
CONFIG_DEBUG_STACK_USAGE=y
CONFIG_SLUB_DEBUG=y
CONFIG_KASAN=y
CONFIG_KASAN_GENERIC=y
# It finds the same as INLINE, and is quicker to compile
CONFIG_KASAN_OUTLINE=y
# Modules get the addresses of removed ones, and what KASAN knew of those with them
CONFIG_KASAN_VMALLOC=y
# Without it, stack traces of reports are empty
CONFIG_FRAME_POINTER=y
# 6.1's UML has no preemption: dropped there
CONFIG_PREEMPT=y
CONFIG_PROVE_LOCKING=y
CONFIG_DEBUG_ATOMIC_SLEEP=y
CONFIG_DEBUG_LIST=y
CONFIG_DEBUG_OBJECTS=y
CONFIG_DEBUG_OBJECTS_FREE=y
CONFIG_DEBUG_OBJECTS_TIMERS=y
CONFIG_DEBUG_OBJECTS_WORK=y
CONFIG_DEBUG_KMEMLEAK=y
CONFIG_DEBUG_KMEMLEAK_MEM_POOL_SIZE=40000
CONFIG_DEBUG_KMEMLEAK_DEFAULT_OFF=n
CONFIG_DEBUG_KMEMLEAK_AUTO_SCAN=n
# The models of UDCs map memory, dummy_hcd does not
CONFIG_DMA_API_DEBUG=y
# DMA_API_DEBUG turns it on. It hides the pages of a DMABUF, which dummy_hcd copies
CONFIG_DMABUF_DEBUG=n
