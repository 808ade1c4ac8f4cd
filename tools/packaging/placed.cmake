# Files that name paths of the installation, or lie outside of the prefix. Of install(): CMAKE_INSTALL_PREFIX
# is known here. In: part (jcn or web), source, bindir, datadir, sysconfdir.

# as_installed FOLDER: absolute, as GNUInstallDirs has it; /etc for the prefix /usr.
function(as_installed variable folder)
  if(NOT IS_ABSOLUTE "${folder}")
    if(folder MATCHES "^etc" AND CMAKE_INSTALL_PREFIX MATCHES "^(/usr/?|/)$")
      set(folder "/${folder}")
    else()
      string(REGEX REPLACE "/$" "" prefix "${CMAKE_INSTALL_PREFIX}")
      set(folder "${prefix}/${folder}")
    endif()
  endif()
  set(${variable} "${folder}" PARENT_SCOPE)
endfunction()

as_installed(bin "${bindir}")
as_installed(data "${datadir}")
as_installed(etc "${sysconfdir}")
as_installed(units lib/systemd/system)

if(part STREQUAL web)
  file(READ "${source}/apache/jcn.conf" configuration)
  string(REPLACE "../jcn/schemas/" "${data}/jcn/schemas/" configuration "${configuration}")
  file(WRITE "$ENV{DESTDIR}${data}/jcn/apache/jcn.conf" "${configuration}")
  return()
endif()

file(READ "${source}/jcn/jcn.service" unit)
string(REPLACE "/usr/bin/" "${bin}/" unit "${unit}")
string(REPLACE "/etc/jcn/" "${etc}/jcn/" unit "${unit}")
file(WRITE "$ENV{DESTDIR}${units}/jcn.service" "${unit}")

# The administrator's: one that is there stays as it is.
if(NOT EXISTS "$ENV{DESTDIR}${etc}/jcn/jcn.conf")
  file(INSTALL "${source}/tools/packaging/jcn.conf" DESTINATION "${etc}/jcn")
endif()

set(completions "$ENV{DESTDIR}${data}/bash-completion/completions")
foreach(program jcnctl jcn-export)
  file(CREATE_LINK jcn "${completions}/${program}" SYMBOLIC)
endforeach()
