# Files that name paths of the installation, or lie outside of the prefix. Of install(): CMAKE_INSTALL_PREFIX
# is known here. In: part (jcn or web), source, bindir, datadir, sysconfdir.

# as_installed VARIABLE FOLDER: absolute, as GNUInstallDirs has it; /etc for the prefix /usr.
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
as_installed(lib lib)

# place FOLDER FILE...: with the paths of this installation in place of those of the packages.
function(place folder)
  foreach(file ${ARGN})
    get_filename_component(name "${file}" NAME)
    file(READ "${source}/${file}" text)
    string(REPLACE "../jcn/schemas/" "/usr/share/jcn/schemas/" text "${text}")
    string(REPLACE "/usr/bin/jcn" "${bin}/jcn" text "${text}")
    string(REPLACE "/usr/share/jcn/" "${data}/jcn/" text "${text}")
    string(REPLACE "/usr/lib/jcn/" "${lib}/jcn/" text "${text}")
    string(REPLACE "/etc/jcn/" "${etc}/jcn/" text "${text}")
    file(WRITE "$ENV{DESTDIR}${folder}/${name}" "${text}")
  endforeach()
endfunction()

if(part STREQUAL web)
  place("${lib}/systemd/system"
    apache/jcn-private-marks.service cgi-frontend/jcn-cgi.service cgi-frontend/jcn-cgi.socket
    tools/jcn-transcode.service)
  place("${data}/jcn/apache" apache/jcn.conf apache/site.conf apache/cgi.conf apache/surroundings.conf
    apache/site.toml apache/site.wsgi)
  set(completions "$ENV{DESTDIR}${data}/bash-completion/completions")
  file(MAKE_DIRECTORY "${completions}")
  file(CREATE_LINK jcn "${completions}/jcn-transcode" SYMBOLIC)
  return()
endif()

place("${lib}/systemd/system" jcn/jcn.service)
# The administrator's: one that is there stays as it is.
if(NOT EXISTS "$ENV{DESTDIR}${etc}/jcn/jcn.conf")
  place("${etc}/jcn" tools/packaging/jcn.conf)
endif()
set(completions "$ENV{DESTDIR}${data}/bash-completion/completions")
foreach(program jcnctl jcn-export)
  file(CREATE_LINK jcn "${completions}/${program}" SYMBOLIC)
endforeach()
