"""Tables of nature and science: elements, planets, discoveries, scientists. See tables_places.py."""

from __future__ import annotations

import re

_SYMBOLS = """
Hydrogen H Helium He Lithium Li Beryllium Be Boron B Carbon C Nitrogen N Oxygen O Fluorine F Neon Ne Sodium Na
Magnesium Mg Aluminium Al Silicon Si Phosphorus P Sulfur S Chlorine Cl Argon Ar Potassium K Calcium Ca Scandium Sc
Titanium Ti Vanadium V Chromium Cr Manganese Mn Iron Fe Cobalt Co Nickel Ni Copper Cu Zinc Zn Gallium Ga Germanium Ge
Arsenic As Selenium Se Bromine Br Krypton Kr Rubidium Rb Strontium Sr Yttrium Y Zirconium Zr Niobium Nb Molybdenum Mo
Technetium Tc Ruthenium Ru Rhodium Rh Palladium Pd Silver Ag Cadmium Cd Indium In Tin Sn Antimony Sb Tellurium Te
Iodine I Xenon Xe Caesium Cs Barium Ba Lanthanum La Cerium Ce Praseodymium Pr Neodymium Nd Promethium Pm Samarium Sm
Europium Eu Gadolinium Gd Terbium Tb Dysprosium Dy Holmium Ho Erbium Er Thulium Tm Ytterbium Yb Lutetium Lu Hafnium Hf
Tantalum Ta Tungsten W Rhenium Re Osmium Os Iridium Ir Platinum Pt Gold Au Mercury Hg Thallium Tl Lead Pb Bismuth Bi
Polonium Po Astatine At Radon Rn Francium Fr Radium Ra Actinium Ac Thorium Th Protactinium Pa Uranium U Neptunium Np
Plutonium Pu Americium Am Curium Cm Berkelium Bk Californium Cf Einsteinium Es Fermium Fm Mendelevium Md Nobelium No
Lawrencium Lr Rutherfordium Rf Dubnium Db Seaborgium Sg Bohrium Bh Hassium Hs Meitnerium Mt Darmstadtium Ds
Roentgenium Rg Copernicium Cn Nihonium Nh Flerovium Fl Moscovium Mc Livermorium Lv Tennessine Ts Oganesson Og
"""

ELEMENTS = (
    ("{0} is number {2} of the chemical elements, with the symbol {1}.",),
    "\n".join(f"{name}|{symbol}|{i}" for i, (name, symbol) in enumerate(re.findall(r"(\w+) (\w+)", _SYMBOLS), 1)),
)

PLANETS = (
    ("{0} is planet number {1} from the Sun.", "A year on the planet {0} lasts about {2}.", "{0} has {3}."),
    """
Mercury|1|88 days|no moon
Venus|2|225 days|no moon
Mars|4|687 days|two small moons, Phobos and Deimos
Jupiter|5|12 Earth years|four large moons that Galileo saw, the largest being Ganymede
Saturn|6|29 Earth years|a large moon called Titan
Uranus|7|84 Earth years|a moon called Titania
Neptune|8|165 Earth years|a moon called Triton
""",
)

DISCOVERIES = (
    ("{0} is due to {1}, in {2}.",),
    """
The discovery of penicillin|Alexander Fleming|1928
The discovery of X-rays|Wilhelm Röntgen|1895
The discovery of the electron|J. J. Thomson|1897
The discovery of the neutron|James Chadwick|1932
The discovery of radium|Marie and Pierre Curie|1898
The discovery of oxygen as dephlogisticated air|Joseph Priestley|1774
The discovery of the planet Uranus|William Herschel|1781
The discovery of Pluto|Clyde Tombaugh|1930
The double helix of DNA|James Watson and Francis Crick|1953
The theory of general relativity|Albert Einstein|1915
The periodic table|Dmitri Mendeleev|1869
The law of natural heredity in peas|Gregor Mendel|1866
The vaccine against rabies|Louis Pasteur|1885
The vaccination against smallpox|Edward Jenner|1796
The telephone patent|Alexander Graham Bell|1876
The phonograph|Thomas Edison|1877
Dynamite|Alfred Nobel|1867
The cotton gin|Eli Whitney|1793
The first powered flight|the Wright brothers|1903
The diesel engine|Rudolf Diesel|1893
The patent for the safety razor with throwaway blades|King Camp Gillette|1904
The mercury barometer|Evangelista Torricelli|1643
The lightning rod|Benjamin Franklin|1752
The electric battery|Alessandro Volta|1800
The miners' safety lamp|Humphry Davy|1815
The stethoscope|René Laennec|1816
The sewing machine patent of the lockstitch|Elias Howe|1846
The first pulsar|Jocelyn Bell Burnell|1967
The transistor|Bardeen, Brattain and Shockley|1947
The isolation of insulin|Banting and Best|1921
The discovery of nuclear fission|Otto Hahn and Lise Meitner with Strassmann|1938
The quantum hypothesis|Max Planck|1900
The uncertainty principle|Werner Heisenberg|1927
The exclusion principle|Wolfgang Pauli|1925
The polymerase chain reaction|Kary Mullis|1983
""",
)

SCIENTISTS = (
    ("{0} was a {1} who lived from {2} to {3}.",),
    """
Isaac Newton|physicist and mathematician|1642|1727
Johannes Kepler|astronomer|1571|1630
Nicolaus Copernicus|astronomer|1473|1543
Tycho Brahe|astronomer|1546|1601
Blaise Pascal|mathematician|1623|1662
Gottfried Wilhelm Leibniz|philosopher and mathematician|1646|1716
Leonhard Euler|mathematician|1707|1783
Carl Friedrich Gauss|mathematician|1777|1855
Bernhard Riemann|mathematician|1826|1866
Évariste Galois|mathematician|1811|1832
Sofia Kovalevskaya|mathematician|1850|1891
Emmy Noether|mathematician|1882|1935
Srinivasa Ramanujan|mathematician|1887|1920
David Hilbert|mathematician|1862|1943
Kurt Gödel|logician|1906|1978
Antoine Lavoisier|chemist|1743|1794
John Dalton|chemist|1766|1844
Justus von Liebig|chemist|1803|1873
Robert Bunsen|chemist|1811|1899
Michael Faraday|physicist|1791|1867
James Clerk Maxwell|physicist|1831|1879
Ludwig Boltzmann|physicist|1844|1906
Heinrich Hertz|physicist|1857|1894
Ernest Rutherford|physicist|1871|1937
Niels Bohr|physicist|1885|1962
Erwin Schrödinger|physicist|1887|1961
Paul Dirac|physicist|1902|1984
Enrico Fermi|physicist|1901|1954
Richard Feynman|physicist|1918|1988
Carl Linnaeus|botanist|1707|1778
Alexander von Humboldt|naturalist|1769|1859
Alfred Russel Wallace|naturalist|1823|1913
Ernst Haeckel|zoologist|1834|1919
Rosalind Franklin|chemist|1920|1958
Barbara McClintock|geneticist|1902|1992
Rachel Carson|marine biologist|1907|1964
Carl Sagan|astronomer|1934|1996
Ada Lovelace|writer on Babbage's engine|1815|1852
Grace Hopper|computer scientist|1906|1992
John von Neumann|mathematician|1903|1957
""",
)
