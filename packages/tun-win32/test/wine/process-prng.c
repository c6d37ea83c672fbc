// The one function of bcryptprimitives.dll that the Windows Bun imports, and that Wine 8 does not have.
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID octets, ULONG bytes);

__declspec(dllexport) BOOL ProcessPrng(BYTE *octets, SIZE_T bytes) { return SystemFunction036(octets, (ULONG)bytes); }
